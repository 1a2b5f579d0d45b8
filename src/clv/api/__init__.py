"""The HTTP API: CLV for CRM, e-mail platforms and BI."""
