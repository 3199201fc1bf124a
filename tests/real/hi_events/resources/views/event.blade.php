<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ $event->title }}</title></head>
<body>
<main>
    <h1>{{ $event->title }}</h1>
    <p>{{ $event->description }}</p>
    @if ($event->status === 'LIVE')
        <button type="button">Get tickets</button>
    @else
        <p>No tickets are on sale for this event.</p>
    @endif
</main>
</body>
</html>
