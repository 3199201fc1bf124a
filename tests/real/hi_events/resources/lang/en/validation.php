<?php

return [
    'required' => 'The :attribute field is required.',
    'string' => 'The :attribute must be a string.',
    'integer' => 'The :attribute must be an integer.',
    'array' => 'The :attribute must be an array.',
    'boolean' => 'The :attribute field must be true or false.',
    'date' => 'The :attribute is not a valid date.',
    'json' => 'The :attribute must be a valid JSON string.',
    'in' => 'The selected :attribute is invalid.',
    'max' => ['string' => 'The :attribute must not be greater than :max characters.'],
];
