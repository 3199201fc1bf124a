<?php

namespace App\Providers;

use App\Database\ImmediateSQLiteConnection;
use App\Models\Event;
use App\Models\Session;
use App\Policies\EventPolicy;
use Illuminate\Database\Connection;
use Illuminate\Foundation\Support\Providers\RouteServiceProvider;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Gate;
use Illuminate\Support\Facades\Route;

class AppServiceProvider extends RouteServiceProvider
{
    public function register(): void
    {
        parent::register();
        Connection::resolverFor('sqlite', fn (...$arguments) => new ImmediateSQLiteConnection(...$arguments));
    }

    public function boot(): void
    {
        Auth::viaRequest('bearer', fn (Request $request) => $this->user($request));
        Gate::policy(Event::class, EventPolicy::class);
    }

    public function map(): void
    {
        $flavour = config('hi_events.flavour');
        Route::middleware('api')->prefix(config('hi_events.api_prefix'))->group(base_path("routes/$flavour/api.php"));
        Route::middleware('web')->group(base_path("routes/$flavour/web.php"));
    }

    private function user(Request $request): ?object
    {
        $session = Session::alive($request->bearerToken());
        $request->attributes->set('session', $session);

        return $session?->user;
    }
}
