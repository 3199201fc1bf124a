<?php

namespace App\Console;

use App\Webhooks\Courier;
use Illuminate\Console\Command;
use Throwable;

class DeliverWebhooks extends Command
{
    protected $signature = 'webhooks:deliver';

    protected $description = 'Deliver webhooks until stopped; several of these may run beside each other';

    public function handle(Courier $courier): void
    {
        while (true) {
            try {
                $worked = $courier->work();
            } catch (Throwable $error) {
                report($error);
                $worked = false;
            }
            if (! $worked) {
                usleep(50_000);
            }
        }
    }
}
