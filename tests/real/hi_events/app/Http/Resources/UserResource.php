<?php

namespace App\Http\Resources;

use Illuminate\Http\Resources\Json\JsonResource;

class UserResource extends JsonResource
{
    public function toArray($request): array
    {
        return $this->only('id', 'email', 'first_name', 'last_name', 'external_user_id');
    }
}
