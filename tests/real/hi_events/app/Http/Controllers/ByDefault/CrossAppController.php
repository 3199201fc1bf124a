<?php

namespace App\Http\Controllers\ByDefault;

use App\Models\Account;
use App\Models\Session;
use App\Models\User;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Routing\Controller;
use Illuminate\Support\Facades\Http;
use Throwable;

class CrossAppController extends Controller
{
    public function signIn(Request $request): JsonResponse
    {
        $request->validate(['session_token' => 'required']);
        try {
            $who = $this->tuvens()->post('/api/cross-app/validate-session', $request->only('session_token'))->throw()->json();
        } catch (Throwable) {
            return response()->json(['message' => 'Invalid or expired session'], 401);
        }
        $user = User::ofTuvens($who['user_id'], $who['email'], $who['name']);
        $account = Account::ofTuvens($who['account_id']);
        $user->join($account);
        $bearer = Session::start($user, $account, $request->input('session_token'));

        return response()->json([
            'token' => $bearer,
            'token_type' => 'bearer',
            'expires_in' => config('hi_events.session_lifetime'),
            'user' => ['id' => $user->id, 'email' => $user->email, 'first_name' => $who['name'], 'last_name' => ''],
            'accounts' => $user->accounts,
        ])->header('X-Auth-Token', $bearer);
    }

    public function status(Request $request): JsonResponse
    {
        $session = $request->attributes->get('session');

        return response()->json([
            'authenticated' => true,
            'user' => $session->user,
            'account_id' => $session->account_id,
            'expires_at' => $session->expires_at,
        ]);
    }

    public function accounts(Request $request): JsonResponse
    {
        $token = $request->attributes->get('session')->tuvens_token;

        return response()->json(
            $this->tuvens()->get('/api/cross-app/user-accounts', ['session_token' => $token])->throw()->json()
        );
    }

    public function permission(Request $request): JsonResponse
    {
        $asked = $request->validate(['permission' => 'required|string', 'resource_id' => 'nullable|integer']);
        $asked['session_token'] = $request->attributes->get('session')->tuvens_token;

        return response()->json(
            $this->tuvens()->post('/api/cross-app/validate-permission', $asked)->throw()->json()
        );
    }

    private function tuvens(): \Illuminate\Http\Client\PendingRequest
    {
        return Http::baseUrl(config('hi_events.tuvens.url'))
            ->withHeaders(['X-Shared-Secret' => config('hi_events.tuvens.secret')]);
    }
}
