<?php

use App\Http\Controllers\ArrivalController;
use App\Http\Controllers\PageController;
use Illuminate\Support\Facades\Route;

Route::middleware('framing:nobody')->group(function (): void {
    Route::get('/auth/cross-app', [ArrivalController::class, 'open']);
    Route::get('/manage', [PageController::class, 'manage']);
    Route::get('/event/{event}/{slug}', [PageController::class, 'event']);
});
Route::middleware('framing:tuvens')->group(function (): void {
    Route::get('/event/{event}/{slug}/embed', [PageController::class, 'embed']);
    Route::get('/widget/{event}', [PageController::class, 'widget']);
});
