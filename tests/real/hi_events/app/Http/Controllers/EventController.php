<?php

namespace App\Http\Controllers;

use App\Http\Resources\EventResource;
use App\Models\Event;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\Validation\Rule;

class EventController extends Controller
{
    public function show(Event $event): EventResource
    {
        return new EventResource($event);
    }

    public function setStatus(Request $request, Event $event): EventResource
    {
        $event->changeStatus($request->validate(['status' => ['required', 'string', Rule::in(Event::STATUSES)]])['status']);

        return new EventResource($event);
    }
}
