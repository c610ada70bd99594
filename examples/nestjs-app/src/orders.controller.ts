// The application's own: routes behind the token, and a setting.
import { Controller, Get, Inject, UseGuards } from '@nestjs/common'
import { SETTINGS, type Settings } from './settings.js'
import { TokenGuard } from './token.guard.js'

@Controller('orders')
@UseGuards(TokenGuard)
export class OrdersController {
  readonly #settings: Settings

  constructor(@Inject(SETTINGS) settings: Settings) {
    this.#settings = settings
  }

  @Get()
  list(): object {
    return { from: `${this.#settings.user}@${this.#settings.host}`, orders: [{ id: 1, total: '12.50' }] }
  }
}
