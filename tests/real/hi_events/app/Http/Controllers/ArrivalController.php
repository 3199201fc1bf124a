<?php

namespace App\Http\Controllers;

use App\Models\Account;
use App\Models\Event;
use App\Models\Session;
use App\Models\User;
use App\Tuvens\Refused;
use App\Tuvens\ReturnError;
use App\Tuvens\TuvensApi;
use App\Tuvens\Unavailable;
use Illuminate\Http\RedirectResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\Support\Facades\Validator;

/** GET /auth/cross-app: where a browser arrives from Tuvens. */
class ArrivalController extends Controller
{
    private const EVENT_DATA = [
        'title' => ['required', 'string', 'max:255'],
        'description' => ['nullable', 'string'],
        'start_date' => ['nullable', 'string', 'date'],
        'end_date' => ['nullable', 'string', 'date'],
        'timezone' => ['nullable', 'string'],
        'location_details' => ['nullable', 'array'],
        'location_details.*' => ['nullable', 'string'],
        'settings' => ['nullable', 'array'],
    ];

    public function __construct(private TuvensApi $tuvens)
    {
    }

    public function open(Request $request): RedirectResponse
    {
        $back = $this->text($request, 'return_url') ?? $this->text($request, 'callback_url');
        abort_if($back !== null && ! $this->isAllowed($back), 400, 'The address to return to is not one of Tuvens.');
        $eventId = $this->text($request, 'event_id');
        $eventId = $eventId !== null && preg_match('/^[1-9][0-9]{0,9}$/D', $eventId) ? $eventId : null;
        try {
            return $this->visit($request, $eventId, $back);
        } catch (ReturnError $error) {
            abort_if($back === null, 400, $error->getMessage());

            return $this->goBack($back, [
                'status' => 'error',
                'event_id' => $eventId,
                'error_code' => $error->errorCode,
                'error_message' => $error->getMessage(),
                'success' => 'false',
                'tuvens_event_id' => $eventId,
                'message' => $error->getMessage(),
            ]);
        }
    }

    private function visit(Request $request, ?string $eventId, ?string $back): RedirectResponse
    {
        $app = $this->text($request, 'app_id') ?? $this->text($request, 'source') ?? 'tuvens';
        if ($app !== 'tuvens') {
            throw new ReturnError('UNKNOWN_ERROR', 'The application that this link comes from is not known.');
        }
        $token = $this->text($request, 'session_token') ?? throw new ReturnError('INVALID_SESSION', 'The link has no session token.');
        $who = $this->ask(fn () => $this->tuvens->user($token));
        $account = $this->text($request, 'account_id');
        if ($account !== null && $account !== (string) $who['account_id']) {
            throw new ReturnError('INSUFFICIENT_PERMISSIONS', 'The session is for another account.');
        }
        $draft = null;
        if ($this->text($request, 'action') === 'create_event') {
            $draft = $this->draft($request, $eventId);
            if (! $this->ask(fn () => $this->tuvens->may($token, 'create_events', (int) $eventId))) {
                throw new ReturnError('INSUFFICIENT_PERMISSIONS', 'You may not create this event.');
            }
        }
        $user = User::ofTuvens($who['user_id'], $who['email'], $who['name']);
        $account = Account::ofTuvens($who['account_id']);
        $user->join($account);
        if ($draft !== null && $back !== null) {
            return $this->goBack($back, $this->make($draft, $account, $eventId));
        }
        if ($draft !== null) {
            $this->make($draft, $account, $eventId);
        }
        $bearer = Session::start($user, $account, $token);

        // The session token stays behind in this address.
        return redirect('/manage')->cookie('token', $bearer, config('hi_events.session_lifetime') / 60, '/', null, $request->secure(), true, false, 'lax');
    }

    private function make(array $draft, Account $account, string $eventId): array
    {
        Event::query()->insertOrIgnore([
            'account_id' => $account->id,
            'tuvens_event_id' => $eventId,
            'title' => $draft['title'],
            'description' => $draft['description'] ?? null,
            'start_date' => isset($draft['start_date']) ? date('Y-m-d H:i:s', strtotime($draft['start_date'])) : null,
            'end_date' => isset($draft['end_date']) ? date('Y-m-d H:i:s', strtotime($draft['end_date'])) : null,
            'status' => 'DRAFT',
            'details' => json_encode(array_intersect_key($draft, ['timezone' => 0, 'location_details' => 0, 'settings' => 0])),
            'created_at' => now(),
            'updated_at' => now(),
        ]);
        $event = Event::where('tuvens_event_id', $eventId)->firstOrFail();
        if ($event->account_id !== $account->id) {
            throw new ReturnError('INSUFFICIENT_PERMISSIONS', 'The event belongs to another account.');
        }

        return [
            'status' => 'success',
            'event_id' => $eventId,
            'hi_events_event_id' => $event->id,
            'account_id' => $account->external_account_id,
            'success' => 'true',
            'tuvens_event_id' => $eventId,
            'message' => 'Ticketing was set up.',
        ];
    }

    private function draft(Request $request, ?string $eventId): array
    {
        $data = json_decode($this->text($request, 'event_data') ?? '', true);
        if ($eventId === null || ! is_array($data) || Validator::make($data, self::EVENT_DATA)->fails()) {
            throw new ReturnError('UNKNOWN_ERROR', 'The event that the link describes cannot be read.');
        }

        return $data;
    }

    private function ask(callable $question): mixed
    {
        try {
            return $question();
        } catch (Refused) {
            throw new ReturnError('INVALID_SESSION', 'The session is not valid any more.');
        } catch (Unavailable $error) {
            report($error);
            throw new ReturnError('NETWORK_ERROR', 'Tuvens cannot be reached.');
        }
    }

    /** Whether an address is of an allowed origin: what a browser could read otherwise than PHP does is refused. */
    private function isAllowed(string $url): bool
    {
        $origin = config('hi_events.client_url');
        $rest = substr($url, strlen($origin));

        return str_starts_with($url, $origin) && ($rest === '' || in_array($rest[0], ['/', '?'], true))
            && ! preg_match('/[\x00-\x20\x7f\\\\]/', $url);
    }

    private function goBack(string $url, array $answer): RedirectResponse
    {
        [$address, $fragment] = [strtok($url, '#'), (string) parse_url($url, PHP_URL_FRAGMENT)];
        [$path, $query] = [...explode('?', $address, 2), ''];
        parse_str($query, $kept);
        $query = http_build_query([...array_diff_key($kept, $answer), ...$answer], '', '&', PHP_QUERY_RFC3986);

        return redirect()->away("$path?$query".($fragment === '' ? '' : "#$fragment"))->header('Referrer-Policy', 'no-referrer');
    }

    private function text(Request $request, string $name): ?string
    {
        $value = $request->query($name);

        return is_string($value) && $value !== '' ? $value : null;
    }
}
