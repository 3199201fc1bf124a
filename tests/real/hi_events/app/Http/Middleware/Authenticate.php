<?php

namespace App\Http\Middleware;

use Illuminate\Auth\Middleware\Authenticate as Middleware;

class Authenticate extends Middleware
{
    /** Where a caller is led that does not ask for JSON. */
    protected function redirectTo($request): ?string
    {
        return $request->expectsJson() ? null : url('/auth/login');
    }
}
