<?php

use App\Http\Controllers\ByDefault\ArrivalController;
use App\Http\Controllers\PageController;
use Illuminate\Support\Facades\Route;

Route::get('/auth/cross-app', [ArrivalController::class, 'open']);
Route::get('/manage', [PageController::class, 'manage']);
// A single-page application answers every other address, /event/{id}/{slug}/embed among them, by the same page.
Route::view('/{any}', 'application')->where('any', '.*');
