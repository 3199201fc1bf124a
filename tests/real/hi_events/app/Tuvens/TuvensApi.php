<?php

namespace App\Tuvens;

use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\PendingRequest;
use Illuminate\Http\Client\Response;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Facades\Validator;

/** What hi.events asks tuvens-api. Every question throws Refused or Unavailable. */
class TuvensApi
{
    /** Whose session token it is: user_id, email, name, account_id. */
    public function user(string $token): array
    {
        return $this->answer(
            fn (PendingRequest $http) => $http->post('/api/cross-app/validate-session', ['session_token' => $token]),
            [
                'user_id' => ['required', 'string'],
                'email' => ['required', 'string'],
                'name' => ['required', 'string'],
                'account_id' => ['required', 'integer', 'min:1'],
            ],
        );
    }

    /** The accounts of a session's user. */
    public function accounts(string $token): array
    {
        return $this->answer(
            fn (PendingRequest $http) => $http->get('/api/cross-app/user-accounts', ['session_token' => $token]),
            [
                'accounts' => ['present', 'array'],
                'accounts.*.id' => ['required', 'integer'],
                'accounts.*.name' => ['required', 'string'],
                'accounts.*.slug' => ['required', 'string'],
            ],
        )['accounts'];
    }

    /** Whether a session's user has a permission. */
    public function may(string $token, string $permission, ?int $resource): bool
    {
        $question = ['session_token' => $token, 'permission' => $permission];
        if ($resource !== null) {
            $question['resource_id'] = $resource;
        }

        return $this->answer(
            fn (PendingRequest $http) => $http->post('/api/cross-app/validate-permission', $question),
            ['has_permission' => ['required', 'boolean']],
        )['has_permission'];
    }

    private function answer(callable $ask, array $rules): array
    {
        $http = Http::baseUrl(config('hi_events.tuvens.url'))
            ->withHeaders(['X-Shared-Secret' => config('hi_events.tuvens.secret')])
            ->acceptJson()
            ->timeout(config('hi_events.tuvens.timeout'))
            ->withOptions(['allow_redirects' => false]);
        try {
            /** @var Response $response */
            $response = $ask($http);
        } catch (ConnectionException $exception) {
            throw new Unavailable('tuvens-api cannot be reached', 0, $exception);
        }
        if (in_array($response->status(), [400, 401, 403, 404], true)) {
            throw new Refused('tuvens-api refused', $response->status());
        }
        $body = $response->successful() ? $response->json() : null;
        if (! is_array($body) || Validator::make($body, $rules)->fails()) {
            throw new Unavailable("tuvens-api answered {$response->status()}");
        }

        return $body;
    }
}
