import { ArgumentMetadata, BadRequestException, Injectable, ValidationPipe } from '@nestjs/common';

/** Validates bodies and queries. `message` is a list of texts. */
@Injectable()
export class FormPipe extends ValidationPipe {
  constructor() {
    // forbidUnknownValues: Nest turns it off, and an array would pass for any DTO.
    super({ whitelist: true, transform: true, forbidUnknownValues: true, validateCustomDecorators: true });
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
