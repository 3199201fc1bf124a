<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Events</title></head>
<body>
<main>
    <h1>Events</h1>
    <p>Signed in as {{ $user->first_name }} {{ $user->last_name }}</p>
    <ul>
        @foreach ($events as $event)
            <li>{{ $event->title }} ({{ $event->status }})</li>
        @endforeach
    </ul>
</main>
</body>
</html>
