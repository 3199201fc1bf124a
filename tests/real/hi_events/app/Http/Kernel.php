<?php

namespace App\Http;

use App\Http\Middleware\Authenticate;
use App\Http\Middleware\Framing;
use Illuminate\Auth\Middleware\Authorize;
use Illuminate\Foundation\Http\Kernel as HttpKernel;
use Illuminate\Foundation\Http\Middleware\ConvertEmptyStringsToNull;
use Illuminate\Foundation\Http\Middleware\TrimStrings;
use Illuminate\Foundation\Http\Middleware\ValidatePostSize;
use Illuminate\Routing\Middleware\SubstituteBindings;
use Illuminate\Routing\Middleware\ThrottleRequests;

class Kernel extends HttpKernel
{
    protected $middleware = [
        ValidatePostSize::class,
        TrimStrings::class,
        ConvertEmptyStringsToNull::class,
    ];

    protected $middlewareGroups = [
        'api' => [SubstituteBindings::class],
        'web' => [SubstituteBindings::class],
    ];

    protected $routeMiddleware = [
        'auth' => Authenticate::class,
        'can' => Authorize::class,
        'framing' => Framing::class,
        'throttle' => ThrottleRequests::class,
    ];
}
