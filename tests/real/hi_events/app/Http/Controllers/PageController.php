<?php

namespace App\Http\Controllers;

use App\Models\Event;
use App\Models\Session;
use Illuminate\Http\RedirectResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\View\View;

class PageController extends Controller
{
    /** An event's page; a slug that is out of date leads to the present one. */
    public function event(Event $event, string $slug): View|RedirectResponse
    {
        if ($slug !== $event->slug) {
            return redirect("/event/{$event->id}/{$event->slug}");
        }

        return view('event', ['event' => $event]);
    }

    public function embed(Event $event): View
    {
        return view('event', ['event' => $event]);
    }

    public function widget(Event $event): View
    {
        return view('event', ['event' => $event]);
    }

    /** Where an organiser who has signed in goes on. */
    public function manage(Request $request): View
    {
        $session = Session::alive($request->cookie('token'));
        abort_if($session === null, 403);

        return view('manage', [
            'user' => $session->user,
            'events' => Event::where('account_id', $session->account_id)->get(),
        ]);
    }
}
