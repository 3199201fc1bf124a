<?php

namespace App\Http\Controllers;

use App\Exceptions\Refusal;
use App\Http\Resources\AccountResource;
use App\Http\Resources\UserResource;
use App\Models\Account;
use App\Models\Session;
use App\Models\User;
use App\Tuvens\Refused;
use App\Tuvens\TuvensApi;
use App\Tuvens\Unavailable;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;

class CrossAppController extends Controller
{
    public function __construct(private TuvensApi $tuvens)
    {
    }

    public function signIn(Request $request): JsonResponse
    {
        $token = $request->validate(['session_token' => ['required', 'string']])['session_token'];
        try {
            $who = $this->tuvens->user($token);
        } catch (Refused) {
            throw Refusal::unauthorized('The session token is not valid.');
        } catch (Unavailable $error) {
            report($error);
            throw new Refusal(503, 'UPSTREAM_UNAVAILABLE', 'Tuvens cannot be reached.');
        }
        $user = User::ofTuvens($who['user_id'], $who['email'], $who['name']);
        $account = Account::ofTuvens($who['account_id']);
        $user->join($account);
        $bearer = Session::start($user, $account, $token);
        $lifetime = config('hi_events.session_lifetime');

        return response()->json([
            'token' => $bearer,
            'token_type' => 'bearer',
            'expires_in' => $lifetime,
            'user' => new UserResource($user),
            'accounts' => AccountResource::collection($user->accounts()->get()),
        ])->header('X-Auth-Token', $bearer)->cookie('token', $bearer, $lifetime / 60, null, null, true, true, false, 'none');
    }

    public function status(Request $request): JsonResponse
    {
        $session = $request->attributes->get('session');

        return response()->json([
            'authenticated' => true,
            'user' => new UserResource($session->user),
            'account_id' => $session->account_id,
            'expires_at' => $session->expires_at->toIso8601String(),
        ]);
    }

    public function accounts(Request $request): JsonResponse
    {
        $accounts = $this->ask(fn () => $this->tuvens->accounts($request->attributes->get('session')->tuvens_token));

        return response()->json(['accounts' => $accounts]);
    }

    public function permission(Request $request): JsonResponse
    {
        // Laravel's rule `integer` takes "789", too.
        $isInteger = fn (string $field, mixed $value, callable $fail) => is_int($value) ?: $fail('The resource id must be an integer.');
        $asked = $request->validate(['permission' => ['required', 'string'], 'resource_id' => ['nullable', $isInteger]]);
        $token = $request->attributes->get('session')->tuvens_token;

        return response()->json([
            'has_permission' => $this->ask(
                fn () => $this->tuvens->may($token, $asked['permission'], $asked['resource_id'] ?? null)
            ),
        ]);
    }

    private function ask(callable $question): mixed
    {
        try {
            return $question();
        } catch (Refused) {
            throw Refusal::unauthorized('The Tuvens session is over; sign in again.');
        } catch (Unavailable $error) {
            report($error);
            throw new Refusal(401, 'UPSTREAM_UNAVAILABLE', 'Tuvens cannot be reached.');
        }
    }
}
