<?php

namespace App\Exceptions;

use Illuminate\Foundation\Exceptions\Handler as ExceptionHandler;

/** The framework's own. */
class Handler extends ExceptionHandler
{
}
