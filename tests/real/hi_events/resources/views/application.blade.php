<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Events</title></head>
<body><div id="app"></div></body>
</html>
