import { isVaults, classify } from '../protocol/responses.ts'
import { type CallBounds, timedCall, untilEnded } from '@finchat/secrets-core/http'
import { TokenBytes } from '../shared/token-bytes.ts'
import { answerError, type Outgoing, type Send } from '../protocol/request.ts'

/** Answers 200 for every valid token, whatever its policies. */
export const mountsRequest: Pick<Outgoing, 'method' | 'path' | 'call'> & { readonly call: 'read' } = {
  method: 'GET',
  path: 'sys/internal/ui/mounts',
  call: 'read',
}

/**
 * Tells whether a denial is the token's fault or a policy's. The messages differ by release, so it
 * asks the path that every valid token may read, once for all calls denied together.
 */
export class TokenCheck {
  readonly #send: Send
  readonly #limits: Pick<CallBounds, 'timeoutMs' | 'closing'>
  readonly #asking = new Map<string, Promise<boolean>>()
  /** How often a token was refused, and the last refused token. */
  #refusals = 0
  #lastRefused: TokenBytes | undefined

  constructor(send: Send, limits: Pick<CallBounds, 'timeoutMs' | 'closing'>) {
    this.#send = send
    this.#limits = limits
  }

  /** Taken before a request. A later refusal of its token counts for the request too. */
  get mark(): number {
    return this.#refusals
  }

  /** Whether the active node, which knows every token, refuses this one. */
  isRefusedByActive(token: string, signal: AbortSignal): Promise<boolean> {
    return untilEnded(this.#ask(token, true), signal)
  }

  /**
   * Whether the token of a denied request is refused. Each caller may give up. Rejects if the
   * server cannot tell.
   */
  async isRefused(token: string, mark: number, signal: AbortSignal): Promise<boolean> {
    const earlier = this.#asking.get(token)
    const isKnown = this.#refusals > mark && this.#lastRefused?.is(token) === true
    if (isKnown || (earlier !== undefined && (await untilEnded(earlier, signal)))) return true
    // An earlier check may predate the denial.
    return untilEnded(this.#check(token), signal)
  }

  #check(token: string): Promise<boolean> {
    const asking = this.#asking.get(token) ?? this.#ask(token).finally(() => this.#asking.delete(token))
    this.#asking.set(token, asking)
    return asking
  }

  async #ask(token: string, isForActive = false): Promise<boolean> {
    const answer = await timedCall(this.#limits, (signal) => this.#send({ ...mountsRequest, token, isForActive }, signal))
    if (answer.status === 403 && isVaults(answer)) {
      this.#refusals += 1
      this.#lastRefused = new TokenBytes(token)
      return true
    }
    const outcome = answer.status === 403 ? undefined : classify(answer, 'read')
    if (outcome !== undefined) throw answerError(answer, outcome, 'read')
    return false
  }
}
