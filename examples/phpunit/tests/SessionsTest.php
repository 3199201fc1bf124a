<?php

namespace Tests;

use App\TuvensClient;
use RuntimeException;

final class SessionsTest extends SimulatorsTestCase
{
    private function client(?string $secret = null): TuvensClient
    {
        return new TuvensClient($this->http, $this->url(), $secret ?? $this->crossapp['credentials']['shared_secret']);
    }

    public function test_a_session_tells_its_user(): void
    {
        self::assertSame('organiser@example.com', $this->client()->validate($this->session('organiser'))->email);
    }

    public function test_a_session_lasts_15_minutes(): void
    {
        $token = $this->session('organiser');
        $this->control('tuvens-api', 'POST', '/clock/advance', ['seconds' => 15 * 60 + 1]);
        self::assertNull($this->client()->validate($token));
    }

    public function test_the_client_reports_an_outage(): void
    {
        $this->control('tuvens-api', 'PUT', '/faults/live-session-answers-500', ['times' => 1]);
        $this->expectException(RuntimeException::class);
        $this->client()->validate($this->session('organiser'));
    }

    public function test_the_journal_has_the_clients_request(): void
    {
        try {
            $this->client('wrong')->validate('any token');
            self::fail('it was accepted');
        } catch (RuntimeException $error) {
            self::assertStringContainsString('401', $error->getMessage());
        }
        $exchanges = $this->control('tuvens-api', 'GET', '/journal?operation=validateSession')['exchanges'];
        self::assertSame([401], array_column($exchanges, 'status'));
    }
}
