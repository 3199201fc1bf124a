<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Support\Str;

/** A session of hi.events. The bearer token is stored as a hash, the Tuvens token that started it encrypted. */
class Session extends Model
{
    public $timestamps = false;

    protected $guarded = [];

    protected $casts = ['tuvens_token' => 'encrypted', 'expires_at' => 'datetime'];

    public function user(): BelongsTo
    {
        return $this->belongsTo(User::class);
    }

    /** Starts a session and returns its bearer token. */
    public static function start(User $user, Account $account, string $tuvensToken): string
    {
        $bearer = Str::random(64);
        static::create([
            'token_hash' => hash('sha256', $bearer),
            'user_id' => $user->id,
            'account_id' => $account->id,
            'tuvens_token' => $tuvensToken,
            'expires_at' => now()->addSeconds(config('hi_events.session_lifetime')),
        ]);

        return $bearer;
    }

    /** The session of a bearer token that has not expired. */
    public static function alive(?string $bearer): ?self
    {
        if (! $bearer) {
            return null;
        }

        return static::with('user')->where('token_hash', hash('sha256', $bearer))->where('expires_at', '>', now())->first();
    }
}
