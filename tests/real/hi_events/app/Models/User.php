<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Relations\BelongsToMany;
use Illuminate\Foundation\Auth\User as Authenticatable;
use Illuminate\Support\Facades\DB;

class User extends Authenticatable
{
    protected $guarded = [];

    public function accounts(): BelongsToMany
    {
        return $this->belongsToMany(Account::class);
    }

    /** Makes the user a member of an account; two requests may do so at once, which syncWithoutDetaching() cannot stand. */
    public function join(Account $account): void
    {
        DB::table('account_user')->insertOrIgnore(['account_id' => $account->id, 'user_id' => $this->id]);
    }

    /** The one local user of a Tuvens user: linked by email to one that is there already, else made. Safe to repeat at once. */
    public static function ofTuvens(string $externalId, string $email, string $name): self
    {
        $words = preg_split('/\s+/', trim($name), 2);
        if (! static::where('external_user_id', $externalId)->exists()) {
            static::where('email', $email)->whereNull('external_user_id')->update(['external_user_id' => $externalId]);
            static::query()->insertOrIgnore([
                'external_user_id' => $externalId,
                'email' => $email,
                'first_name' => $words[0],
                'last_name' => $words[1] ?? null,
                'created_at' => now(),
                'updated_at' => now(),
            ]);
        }

        return static::where('external_user_id', $externalId)->firstOrFail();
    }
}
