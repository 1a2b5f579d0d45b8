"""What Streamlit runs, in a folder of its own: beside `pages` it would take those for its own.

The theme lies in `.streamlit` beside it, where Streamlit finds it whatever the current folder.
"""

from clv.dashboard.app import main

main()
