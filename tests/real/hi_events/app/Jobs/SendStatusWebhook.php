<?php

namespace App\Jobs;

use App\Models\Event;
use App\Webhooks\Courier;
use App\Webhooks\Delivery;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;
use Throwable;

/** Says how often it is to be tried, which nobody heeds: dispatchSync() runs it once. */
class SendStatusWebhook implements ShouldQueue
{
    use Dispatchable;
    use InteractsWithQueue;
    use Queueable;

    public int $tries = 3;

    public array $backoff = [10, 100];

    public function __construct(private Event $event)
    {
    }

    public function handle(): void
    {
        try {
            Courier::send(Delivery::bodyOf($this->event))->throw();
        } catch (Throwable $error) {
            report($error);
            $this->release(10);
        }
    }
}
