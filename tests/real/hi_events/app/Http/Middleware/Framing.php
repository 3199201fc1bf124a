<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;

class Framing
{
    /** Pages for embedding may be framed by tuvens-client, all others by nobody. */
    public function handle(Request $request, Closure $next, string $by): mixed
    {
        $response = $next($request);
        $framing = $by === 'tuvens' ? "'self' ".config('hi_events.client_url') : "'none'";
        $response->headers->set('Content-Security-Policy', "frame-ancestors $framing");
        $response->headers->set('Referrer-Policy', 'no-referrer');
        $response->headers->set('X-Content-Type-Options', 'nosniff');

        return $response;
    }
}
