<?php

use Illuminate\Http\Client\Response;
use Illuminate\Support\Facades\Http;
use PHPUnit\Framework\AssertionFailedError;
use PHPUnit\Framework\TestCase;

/** The mocks behind Laravel's own client; CROSSAPP_MOCKS is the file that `crossapp mocks --laravel` wrote. */
final class MocksTest extends TestCase
{
    private const LIVE = 'the organiser has a live session';

    private const TOKEN = 'Zm9yLXRoZS1kb2N1bWVudC1vbmx5LW5vdC1hLXRva2Vu';

    protected function tearDown(): void
    {
        Http::clearResolvedInstances();
    }

    private function mock(string $app, mixed ...$options): object
    {
        $mocks = require getenv('CROSSAPP_MOCKS');
        $mock = $mocks($app, ...$options);
        Http::fake($mock->stubs());

        return $mock;
    }

    private function validate(object $api, mixed $token, string $secret = 'crossapp.shared-secret'): Response
    {
        return Http::withHeaders(['x-shared-secret' => $secret])
            ->post($api->url.'/api/cross-app/validate-session', ['session_token' => $token]);
    }

    public function test_a_client_reads_whose_session_it_is(): void
    {
        $api = $this->mock('tuvens-api', given: self::LIVE);
        self::assertSame('user@example.com', $this->validate($api, self::TOKEN)->json('email'));
        self::assertSame(['validate_session_tells_whose_it_is'], $api->called());
        self::assertNotContains('validate_session_tells_whose_it_is', $api->unused());
        $api->assertAllExpected();
    }

    public function test_a_provider_state_is_chosen_by_name(): void
    {
        self::assertSame(404, $this->validate($this->mock('tuvens-api', given: 'the session has expired'), 'any')->status());
        $states = ['the organiser belongs to the account', self::LIVE];
        $api = $this->mock('tuvens-api', given: $states, url: 'http://api.example/v1/');
        $session = Http::withToken('crossapp.jwt.organiser')
            ->post($api->url.'/api/cross-app/generate-session', ['account_id' => 7]);
        self::assertSame(200, $this->validate($api, $session['session_token'])->status());
    }

    public function test_without_a_state_each_operation_returns_its_example(): void
    {
        $api = $this->mock('hi.events');
        $response = Http::acceptJson()->withToken('any')->put($api->url.'/events/2/status', ['status' => 'LIVE']);
        self::assertSame('LIVE', $response->json('status'));
    }

    public function test_a_fault_is_the_documented_error(): void
    {
        $response = $this->validate($this->mock('tuvens-api', fault: 'too_many_requests'), 'any', 'any');
        self::assertSame(429, $response->status());
        self::assertSame('Too many requests', $response->json('message'));
    }

    public function test_credentials_of_a_test_replace_the_placeholders(): void
    {
        $api = $this->mock('tuvens-api', given: self::LIVE, values: ['crossapp.shared-secret' => 'of this test']);
        self::assertSame(200, $this->validate($api, self::TOKEN, 'of this test')->status());
        $this->refused('/headers/x-shared-secret: ', fn () => $this->validate($api, self::TOKEN, 'another one'));
        self::assertStringNotContainsString('another one', implode($api->unexpected));
    }

    public function test_a_request_that_the_document_forbids_is_refused(): void
    {
        $api = $this->mock('tuvens-api');
        $this->refused('/body/session_token: Integer value found', fn () => $this->validate($api, 7));
        $this->refused('/body/session_token: ', fn () => $this->validate($api, ''));
        $this->refused('/headers/x-shared-secret: is required', fn () => Http::post(
            $api->url.'/api/cross-app/validate-session', ['session_token' => 'any']));
        $this->refused('/query/session_token: is required', fn () => Http::withHeaders(['x-shared-secret' => 'any'])
            ->get($api->url.'/api/cross-app/user-accounts'));
        $this->refused('/headers/content-type: ', fn () => Http::withHeaders(['x-shared-secret' => 'any'])
            ->asForm()->post($api->url.'/api/cross-app/validate-session', ['session_token' => 'any']));
        $this->refused('no operation GET /api/nothing', fn () => Http::get($api->url.'/api/nothing'));
        $belongs = $this->mock('tuvens-api', given: 'the organiser belongs to the account', url: 'http://other.test');
        $this->refused('/body/account_id: ', fn () => Http::withToken('crossapp.jwt.organiser')
            ->post($belongs->url.'/api/cross-app/generate-session', ['account_id' => -3]));
    }

    public function test_a_forbidden_request_is_served_by_the_interaction_about_it(): void
    {
        $api = $this->mock('tuvens-api', given: self::LIVE);
        self::assertSame(400, $this->validate($api, '')->status());
        self::assertSame(['validate_session_empty_token'], $api->called());
    }

    public function test_what_is_unexpected_or_unused_is_named(): void
    {
        $api = $this->mock('tuvens-api', given: self::LIVE, only: ['user_accounts_lists_them']);
        $this->refused('validateSession is unexpected', fn () => $this->validate($api, self::TOKEN));
        $this->refused('user_accounts_lists_them differs in', fn () => Http::withHeaders(
            ['x-shared-secret' => 'crossapp.shared-secret'])->get($api->url.'/api/cross-app/user-accounts?session_token=x'));
        $this->refused('validateSession is unexpected', fn () => $api->assertAllExpected());
        $this->refused('no request was sent for user_accounts_lists_them', fn () => $api->assertAllCalled());
    }

    public function test_a_webhook_counts_with_its_signature_alone(): void
    {
        $api = $this->mock('tuvens-api', given: 'the event exists', values: ['crossapp.shared-secret' => 's3cret']);
        $payload = ['id' => 5, 'title' => 'Event Title', 'status' => 'LIVE', 'tuvens_event_id' => '77'];
        $body = json_encode(['event_type' => 'event.status_changed',
            'event_sent_at' => '2025-07-26T14:30:00.000Z', 'payload' => $payload]);
        $send = fn (string $secret) => Http::withBody($body, 'application/json')
            ->withHeaders(['x-hi-events-signature' => 'sha256='.hash_hmac('sha256', $body, $secret)])
            ->post($api->url.'/api/webhooks/hi-events/event-status-changed');
        self::assertTrue($send('s3cret')->json('success'));
        self::assertSame(['webhook_live'], $api->called());
        $this->refused('/headers/x-hi-events-signature: the signature', fn () => $send('another'));
    }

    public function test_names_that_do_not_exist_are_refused(): void
    {
        $mocks = require getenv('CROSSAPP_MOCKS');
        foreach ([['given' => 'nothing'], ['fault' => 'nothing'], ['only' => ['nothing']]] as $options) {
            try {
                $mocks('tuvens-api', ...$options);
                self::fail('it was accepted');
            } catch (InvalidArgumentException $error) {
                self::assertStringContainsString("'nothing'; it has ", $error->getMessage());
            }
        }
    }

    private function refused(string $text, callable $act): void
    {
        try {
            $act();
        } catch (AssertionFailedError $error) {
            self::assertStringContainsString($text, $error->getMessage());

            return;
        }
        self::fail("not refused: $text");
    }
}
