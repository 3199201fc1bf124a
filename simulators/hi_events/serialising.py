"""Users and events of hi.events as JSON."""

from simulators.hi_events.store import LocalEvent, LocalUser


def user_json(user: LocalUser) -> dict[str, object]:
    """A user."""
    return {
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "external_user_id": user.external_user_id,
    }


def event_json(event: LocalEvent) -> dict[str, object]:
    """An event."""
    return {
        "id": event.id,
        "title": event.title,
        "status": event.status,
        "tuvens_event_id": event.tuvens_event_id,
        "slug": event.slug,
        "start_date": event.start_date,
        "end_date": event.end_date,
    }
