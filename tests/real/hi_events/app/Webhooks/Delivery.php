<?php

namespace App\Webhooks;

use App\Models\Event;
use Illuminate\Database\Eloquent\Model;

/** A webhook that waits, or waited, to be delivered: its body is sent byte for byte on every attempt. */
class Delivery extends Model
{
    public $timestamps = false;

    protected $table = 'webhook_deliveries';

    protected $guarded = [];

    public static function queue(Event $event): void
    {
        static::create(['event_id' => $event->id, 'body' => self::bodyOf($event), 'due_at' => microtime(true)]);
    }

    /** What tells of an event's status. */
    public static function bodyOf(Event $event): string
    {
        return json_encode([
            'event_type' => 'event.status_changed',
            'event_sent_at' => now()->toIso8601String(),
            'payload' => [
                'id' => $event->id,
                'title' => $event->title,
                'status' => $event->status,
                'tuvens_event_id' => $event->tuvens_event_id,
            ],
        ]);
    }

    /**
     * Takes a delivery that is due for `$seconds`: the oldest of its event that is not settled, so that the order of
     * changes is kept. Null where there is none, or another process was quicker.
     */
    public static function take(float $seconds): ?self
    {
        $now = microtime(true);
        $oldest = static::selectRaw('min(id)')->whereNull('settled_at')->groupBy('event_id');
        $delivery = static::whereIn('id', $oldest)->where('due_at', '<=', $now)->orderBy('due_at')->first();
        $mine = $delivery !== null && static::whereKey($delivery->id)->whereNull('settled_at')
            ->where('due_at', $delivery->due_at)->update(['due_at' => $now + $seconds]);

        return $mine ? $delivery : null;
    }
}
