<?php

use App\Http\Controllers\ByDefault\CrossAppController;
use App\Http\Controllers\ByDefault\EventController;
use Illuminate\Support\Facades\Route;

Route::post('/auth/cross-app/validate', [CrossAppController::class, 'signIn'])
    ->middleware('throttle:'.config('hi_events.sign_ins_a_minute').',1');

Route::middleware('auth:api')->group(function (): void {
    Route::get('/auth/cross-app/status', [CrossAppController::class, 'status']);
    Route::get('/auth/cross-app/accounts', [CrossAppController::class, 'accounts']);
    Route::post('/auth/cross-app/validate-permission', [CrossAppController::class, 'permission']);
    Route::get('/events/{id}', [EventController::class, 'show']);
    Route::put('/events/{id}/status', [EventController::class, 'setStatus']);
});
