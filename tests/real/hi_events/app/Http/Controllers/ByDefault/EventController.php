<?php

namespace App\Http\Controllers\ByDefault;

use App\Http\Resources\EventResource;
use App\Jobs\SendStatusWebhook;
use App\Models\Event;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\Support\Facades\Gate;

class EventController extends Controller
{
    public function show(int $id): EventResource
    {
        $event = Event::findOrFail($id);
        Gate::authorize('manage', $event);

        return new EventResource($event);
    }

    public function setStatus(Request $request, int $id): EventResource
    {
        $event = Event::findOrFail($id);
        Gate::authorize('manage', $event);
        $event->update($request->validate(['status' => 'required|in:DRAFT,LIVE,ARCHIVED']));
        SendStatusWebhook::dispatchSync($event);

        return new EventResource($event);
    }
}
