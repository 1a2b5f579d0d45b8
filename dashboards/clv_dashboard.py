"""The dashboard of the workspace in CLV_WORKSPACE: `streamlit run dashboards/clv_dashboard.py`."""

from clv.dashboard.app import main

main()
