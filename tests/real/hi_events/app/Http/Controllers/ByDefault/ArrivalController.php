<?php

namespace App\Http\Controllers\ByDefault;

use App\Models\Account;
use App\Models\Event;
use App\Models\Session;
use App\Models\User;
use Illuminate\Http\RedirectResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\Support\Facades\Http;

class ArrivalController extends Controller
{
    public function open(Request $request): RedirectResponse
    {
        $request->validate(['session_token' => 'required', 'return_url' => 'nullable|url', 'event_data' => 'nullable|json']);
        $who = Http::baseUrl(config('hi_events.tuvens.url'))
            ->withHeaders(['X-Shared-Secret' => config('hi_events.tuvens.secret')])
            ->post('/api/cross-app/validate-session', $request->only('session_token'));
        abort_unless($who->successful(), 401, 'Invalid or expired session');
        $user = User::ofTuvens($who['user_id'], $who['email'], $who['name']);
        $account = Account::ofTuvens($who['account_id']);
        $user->join($account);
        if ($request->query('action') !== 'create_event') {
            return redirect('/manage')->cookie('token', Session::start($user, $account, $request->query('session_token')));
        }
        $event = Event::firstOrCreate(
            ['tuvens_event_id' => $request->query('event_id')],
            ['account_id' => $account->id, 'title' => json_decode($request->query('event_data'))->title, 'status' => 'DRAFT'],
        );

        return redirect()->away($request->query('return_url').'?'.http_build_query([
            'status' => 'success',
            'event_id' => $event->tuvens_event_id,
            'hi_events_event_id' => $event->id,
            'account_id' => $account->external_account_id,
        ]));
    }
}
