<?php

namespace App\Webhooks;

use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\Response;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Http;

/** Delivers webhooks, and keeps every attempt in the delivery log. */
class Courier
{
    /** Makes one attempt where a delivery is due; false where none is. */
    public function work(): bool
    {
        $delivery = Delivery::take(config('hi_events.webhooks.timeout') + 5);
        if ($delivery === null) {
            return false;
        }
        $started = microtime(true);
        try {
            [$response, $error] = [self::send($delivery->body), null];
        } catch (ConnectionException $exception) {
            [$response, $error] = [null, class_basename($exception)];
        }
        $tried = $delivery->attempts + 1;
        $pause = $this->pause($response, $tried);
        $settled = $response?->successful() || $pause === null;
        DB::transaction(function () use ($delivery, $tried, $response, $error, $started, $pause, $settled): void {
            $delivery->update([
                'attempts' => $tried,
                'due_at' => microtime(true) + ($pause ?? 0),
                'settled_at' => $settled ? now() : null,
            ]);
            DB::table('webhook_attempts')->insert([
                'delivery_id' => $delivery->id,
                'number' => $tried,
                'started_at' => $started,
                'duration' => microtime(true) - $started,
                'status' => $response?->status(),
                'error' => $error,
                'answer' => $response === null ? null : mb_substr($response->body(), 0, 1000),
            ]);
        });

        return true;
    }

    /** Sends a body, signed over exactly its bytes. */
    public static function send(string $body): Response
    {
        $signature = hash_hmac('sha256', $body, config('hi_events.tuvens.secret'));

        return Http::withHeaders(['X-Hi-Events-Signature' => "sha256=$signature"])
            ->withBody($body, 'application/json')
            ->acceptJson()
            ->timeout(config('hi_events.webhooks.timeout'))
            ->withOptions(['allow_redirects' => false])
            ->post(config('hi_events.tuvens.url').'/api/webhooks/hi-events/event-status-changed');
    }

    /** Seconds until the next attempt; null where there is none: success, a refusal, or nothing left to try. */
    private function pause(?Response $response, int $tried): ?float
    {
        $again = $response === null || $response->serverError() || $response->status() === 429;
        $pause = config('hi_events.webhooks.pauses')[$tried - 1] ?? null;
        if (! $again || $pause === null) {
            return null;
        }

        return max($pause, (float) $response?->header('Retry-After'));
    }
}
