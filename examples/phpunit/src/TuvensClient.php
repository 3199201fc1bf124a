<?php

namespace App;

use GuzzleHttp\ClientInterface;
use RuntimeException;

/** The client under test: it asks tuvens-api whose session a token is. */
final class TuvensClient
{
    public function __construct(
        private readonly ClientInterface $http,
        private readonly string $url,
        private readonly string $secret,
    ) {
    }

    /** The user, or null if there is no such session. */
    public function validate(string $token): ?object
    {
        $response = $this->http->request('POST', $this->url.'/api/cross-app/validate-session', [
            'headers' => ['x-shared-secret' => $this->secret],
            'json' => ['session_token' => $token],
            'http_errors' => false,
        ]);

        return match ($response->getStatusCode()) {
            200 => json_decode((string) $response->getBody(), false, 512, JSON_THROW_ON_ERROR),
            404 => null,
            default => throw new RuntimeException("tuvens-api responded with {$response->getStatusCode()}"),
        };
    }
}
