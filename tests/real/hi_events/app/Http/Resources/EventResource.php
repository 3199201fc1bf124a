<?php

namespace App\Http\Resources;

use Illuminate\Http\Resources\Json\JsonResource;

/** Laravel wraps it below `data`; the Tuvens event stands among the attributes, as upstream has them. */
class EventResource extends JsonResource
{
    public function toArray($request): array
    {
        return [
            'id' => $this->id,
            'title' => $this->title,
            'description' => $this->description,
            'status' => $this->status,
            'slug' => $this->slug,
            'start_date' => $this->start_date?->toIso8601String(),
            'end_date' => $this->end_date?->toIso8601String(),
            'attributes' => [['name' => 'tuvens_event_id', 'value' => $this->tuvens_event_id, 'is_public' => false]],
        ];
    }
}
