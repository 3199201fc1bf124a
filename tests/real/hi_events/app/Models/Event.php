<?php

namespace App\Models;

use App\Webhooks\Delivery;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Str;

class Event extends Model
{
    public const STATUSES = ['DRAFT', 'LIVE', 'CANCELLED', 'ENDED', 'ARCHIVED'];

    protected $guarded = [];

    protected $casts = ['account_id' => 'integer', 'details' => 'array', 'start_date' => 'datetime', 'end_date' => 'datetime'];

    public function getSlugAttribute(): string
    {
        return Str::slug($this->title) ?: 'event';
    }

    /** Changes the status and queues the webhook that tells of it, in one transaction. */
    public function changeStatus(string $status): void
    {
        DB::transaction(function () use ($status): void {
            $changed = static::whereKey($this->id)->where('status', '!=', $status)->update(['status' => $status]);
            $this->refresh();
            if ($changed && $this->tuvens_event_id !== null) {
                Delivery::queue($this);
            }
        });
    }
}
