<?php

namespace Tests;

use GuzzleHttp\Client;
use PHPUnit\Framework\TestCase;

/** A test with the simulators, as they were at the start. */
abstract class SimulatorsTestCase extends TestCase
{
    protected array $crossapp;

    protected Client $http;

    protected function setUp(): void
    {
        $this->crossapp = $GLOBALS['crossapp'];
        $this->http = new Client(['proxy' => '']);
        // hi.events first, which then forgets webhooks that are still to be sent.
        foreach (['hi.events', 'tuvens-api', 'tuvens-client'] as $app) {
            $this->control($app, 'POST', '/reset?everything=true');
        }
    }

    /** Calls the control plane of an application. */
    protected function control(string $app, string $method, string $path, ?array $body = null): ?array
    {
        ['url' => $url, 'token' => $token] = $this->crossapp['targets'][$app]['control'];
        $options = ['headers' => ['Authorization' => "Bearer $token"]] + ($body === null ? [] : ['json' => $body]);

        return json_decode((string) $this->http->request($method, $url.$path, $options)->getBody(), true);
    }

    /** A new session token of a user, by role. */
    protected function session(string $role): string
    {
        $user = array_column($this->crossapp['users'], null, 'role')[$role];
        $response = $this->http->post($this->url().'/api/cross-app/generate-session', [
            'headers' => ['Authorization' => "Bearer {$user['jwt']}"],
            'json' => ['account_id' => $user['account_id']],
        ]);

        return json_decode((string) $response->getBody(), true)['session_token'];
    }

    protected function url(string $app = 'tuvens-api'): string
    {
        return $this->crossapp['targets'][$app]['url'];
    }
}
