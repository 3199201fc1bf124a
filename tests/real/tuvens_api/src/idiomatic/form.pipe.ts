import { ArgumentMetadata, BadRequestException, Injectable, ValidationPipe } from '@nestjs/common';

/** Validates bodies and queries. `message` is a list of texts. */
@Injectable()
export class FormPipe extends ValidationPipe {
  constructor() {
    // validateCustomDecorators: for the webhook's body, which Nest does not parse.
    super({ whitelist: true, transform: true, validateCustomDecorators: true });
  }

  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      // class-transformer follows nested arrays and objects by recursion.
      if (error instanceof RangeError) throw new BadRequestException('The body is nested too deeply');
      throw error;
    }
  }
}
