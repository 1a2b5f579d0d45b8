"""The dashboard in Streamlit: pages that ask the service in their own process."""
