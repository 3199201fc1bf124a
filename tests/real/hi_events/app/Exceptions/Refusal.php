<?php

namespace App\Exceptions;

use Illuminate\Http\Exceptions\HttpResponseException;

/** A refusal of the cross-app routes, with a code for programs. */
class Refusal extends HttpResponseException
{
    public function __construct(int $status, string $code, string $message)
    {
        parent::__construct(response()->json(['message' => $message, 'error' => $code, 'errors' => []], $status));
    }

    public static function unauthorized(string $message): self
    {
        return new self(401, 'UNAUTHORIZED', $message);
    }
}
