"""The query with which tuvens-client sends a browser to hi.events' page."""

import json
from collections.abc import Mapping

from contracts.client_session.wire import CALLBACK
from scenarios.cast.cast import Cast


def page_params(cast: Cast, token: str, tuvens_event: str, *, title: str, creates: bool = True) -> dict[str, str]:
    """The query parameters about an event of tuvens-api; with `creates` the page makes an event of that title."""
    params = {
        "session_token": token,
        "return_url": cast.deployment.return_origin + CALLBACK,
        "app_id": "tuvens",
        "account_id": str(cast.organiser.account_id),
        "event_id": tuvens_event,
        "timestamp": str(round(cast.now_at("hi.events") * 1000)),
    }
    if creates:
        params |= {"action": "create_event", "event_data": json.dumps(_event_data(title), ensure_ascii=False)}
    return params


def _event_data(title: str) -> Mapping[str, object]:
    return {
        "title": title,
        "description": "Songs, stories & <b>more</b>",
        "start_date": "2031-05-01T19:00:00.000Z",
        "end_date": "2031-05-01T23:00:00.000Z",
        "timezone": "Europe/Berlin",
        "location_details": {
            "venue_name": "Café Größenwahn",
            "address_line_1": "1 Long Lane",
            "city": "Köln",
            "state_region": "NRW",
            "zip_postal_code": "50667",
            "country": "DE",
        },
        "settings": {
            "pre_registration_message": "Come early.",
            "post_registration_message": "See you there!",
            "allow_search_engine_indexing": False,
        },
    }
