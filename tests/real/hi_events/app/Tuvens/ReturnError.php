<?php

namespace App\Tuvens;

use RuntimeException;

/** Why hi.events' page does not do what it was asked, told on the way back. */
class ReturnError extends RuntimeException
{
    public function __construct(public readonly string $errorCode, string $message)
    {
        parent::__construct($message);
    }
}
