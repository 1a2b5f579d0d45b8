"""The frame around every page: language, navigation, and what to do where there is no forecast.

Start reading at :func:`main`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from clv.dashboard.pages import customers, model, segments, this_week
from clv.errors import ClvError
from clv.live import LiveService
from clv.narrative import Narrative
from clv.overview import Overview
from clv.service import Service
from clv.settings import read_settings
from clv.speech import LANGUAGES, NAMES, Language, Speech
from clv.store.workspace import Workspace

Show = Callable[[Narrative], None]
PAGES: dict[str, Show] = {
    "this_week": this_week.show,
    "segments": segments.show,
    "customers": customers.show,
    "model": model.show,
}


def main() -> None:
    """The whole dashboard, once per visit and click."""
    st.set_page_config(page_title="CLV Forecaster", layout="wide")
    with st.sidebar:
        speech = Speech(_language())
    # A page's icon would be asked of a server of Google's, for the tab of the browser.
    pages = [
        st.Page(
            partial(visited, name, speech),
            title=speech(f"page_{name}"),
            url_path=name,
            default=name == "this_week",
        )
        for name in PAGES
    ]
    st.navigation(pages).run()


def visited(name: str, speech: Speech) -> None:
    """One page for one visitor, or in its place the sentence that says what is missing."""
    st.title(speech(f"page_{name}"))
    try:
        live = _live(str(read_settings().workspace))
        overview = _overview(live, live.current())
    except ClvError as error:
        st.warning(speech("no_forecast"), icon=":material/hourglass_empty:")
        st.code(str(error), language=None, wrap_lines=True)
        return
    speech = Speech(speech.language, overview.service.terms.currency)
    if overview.service.terms.simulated:
        st.warning(speech("simulated"), icon=":material/science:")
    PAGES[name](Narrative(overview, speech))


def _language() -> Language:
    """The reader's choice, in the address as ``lang``; at first that, else the browser's.

    Streamlit's own binding would put the name of the language there, not its code.
    """
    spoken = st.query_params.get("lang") or str(st.context.locale or "")[:2].lower()
    default: Language = "es" if spoken == "es" else "en"
    chosen = st.segmented_control(
        "Language · Idioma",
        LANGUAGES,
        default=default,
        required=True,
        format_func=NAMES.__getitem__,
        key="language",
    )
    st.query_params["lang"] = chosen or default
    return chosen or default


@st.cache_resource(show_spinner=False)
def _live(workspace: str) -> LiveService:
    return LiveService(Workspace(Path(workspace)))


# A service is never altered, only exchanged, so it stands for itself.
@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={LiveService: id, Service: id})
def _overview(live: LiveService, service: Service) -> Overview:
    return Overview.open(live.workspace, service)
