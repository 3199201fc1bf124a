<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class Account extends Model
{
    protected $guarded = [];

    protected $casts = ['external_account_id' => 'integer'];

    /** The one local account of a Tuvens account. */
    public static function ofTuvens(int $externalId): self
    {
        static::query()->insertOrIgnore([
            'external_account_id' => $externalId,
            'name' => "Tuvens account $externalId",
            'created_at' => now(),
            'updated_at' => now(),
        ]);

        return static::where('external_account_id', $externalId)->firstOrFail();
    }
}
