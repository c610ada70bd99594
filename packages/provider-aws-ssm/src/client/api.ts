import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { bounded, hasCode, withDetails } from '@finchat/secrets-core/provider'
import { failedAttempt, type FailedAttempt } from '../errors/store-error.ts'
import { assertDone, type Origin } from '../model/answers.ts'
import { type ActionName, type Asked, changes, type InputOf, isRepeatable, type OutputOf } from '../model/sdk.ts'
import { checkedAnswer } from './answer-body.ts'
import { type Connection, isSameKey, loadCredentials, type OpenConnection } from './connection.ts'

export interface Api {
  readonly origin: Origin
  readonly call: <Name extends ActionName>(action: Name, input: InputOf<Name>, context: CallContext) => Promise<OutputOf<Name>>
}

/** One call with the outcome of its attempts. */
interface Call {
  readonly action: ActionName
  readonly input: object
  readonly failed: FailedAttempt[]
  /** On the monotonic clock; after it nothing is sent. */
  readonly endsAt: number
  begun: number
}

/** With less time left, no answer would come before the deadline. At most 5 % of `timeoutMs`. */
const minimumMs = 50

/** Every call ends within `timeoutMs`, retries included. */
export function apiOver(connection: Connection, { timeoutMs, account, region }: Origin & { readonly timeoutMs: number }): Api {
  return {
    origin: { account, region },
    call: async (action, input, { signal }) => {
      const call: Call = {
        action,
        input,
        failed: [],
        begun: 0,
        endsAt: performance.now() + timeoutMs - Math.min(minimumMs, timeoutMs / 20),
      }
      const bounds = { signal, closing: connection.closing, deadlineMs: timeoutMs, owner: 'the SSM provider' }
      try {
        const answer = await bounded((bound) => request(connection, call, bound), bounds)
        if (changes(action)) assertDone(answer)
        return answer as OutputOf<typeof action> // of this action's command
      } catch (error) {
        throw finalError(error, call)
      }
    },
  }
}

/** Refused credentials are fetched again, once, and used if they differ. */
async function request(connection: Connection, call: Call, signal: AbortSignal): Promise<object> {
  const open = await connection.open()
  const asked: Asked = { action: call.action, name: nameOf(call.input), region: open.region }
  const refused = await loadCredentials(open.client, asked)
  try {
    return await send(open, asked, call, signal)
  } catch (error) {
    if (!hasCode(error, 'UNAUTHENTICATED')) throw error
    const [fresh] = await Promise.allSettled([loadCredentials(open.client, asked, { forceRefresh: true })])
    if (fresh.status === 'rejected' || isSameKey(refused, fresh.value)) throw error
    return send(open, asked, call, signal)
  }
}

/** Builds no command for a call that is over: a thousand waiting calls would outlast their time. */
async function send({ sdk, client, limit }: OpenConnection, asked: Asked, call: Call, signal: AbortSignal): Promise<object> {
  try {
    return await limit(() => {
      if (signal.aborted || performance.now() > call.endsAt)
        throw new SecretsError('DEADLINE_EXCEEDED', 'no connection became free in time')
      const Command = sdk[`${call.action}Command`] as unknown as new (input: object) => AnyCommand // TypeScript does not follow the computed name
      return client.send(watched(new Command(call.input), asked, call), { abortSignal: signal })
    })
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
    throw call.failed.at(-1)?.error ?? failedAttempt(error, asked).error
  }
}

type AnyCommand = InstanceType<OpenConnection['sdk']['GetParameterCommand']>

/** Records each attempt within the SDK's retries, and ends them if another could write twice. */
function watched(command: AnyCommand, asked: Asked, call: Call): AnyCommand {
  command.middlewareStack.add(
    (next) => async (args) => {
      if (mayBeWritten(call)) throw unrepeated() // a retry strategy of the user may repeat any error
      call.begun += 1
      try {
        return await next(args)
      } catch (error) {
        call.failed.push(failedAttempt(error, asked))
        throw mayBeWritten(call) ? unrepeated() : error
      }
    },
    { step: 'finalizeRequest', priority: 'low', name: 'finchatAttempts' },
  )
  const beforeReading = { step: 'deserialize', priority: 'low', name: 'finchatAnswerBody' } as const
  command.middlewareStack.add((next) => async (args) => checkedAnswer(await next(args)), beforeReading)
  return command
}

/** Another attempt could write twice. */
function mayBeWritten({ action, failed }: Call): boolean {
  return !isRepeatable(action) && failed.some(({ isEffectUnknown }) => isEffectUnknown)
}

/** The SDK repeats no error that it does not know, and `send` takes ours from the attempt. */
function unrepeated(): Error {
  return new Error('not repeated')
}

function nameOf(input: object): string | undefined {
  const { Name, ResourceId = Name }: { readonly Name?: unknown; readonly ResourceId?: unknown } = input
  return typeof ResourceId === 'string' ? ResourceId : undefined
}

/** Adds whether a write may have happened: one lost answer among the attempts leaves that open. */
function finalError(error: unknown, { action, begun, failed }: Call): SecretsError {
  if (!SecretsError.isInstance(error)) return new SecretsError('INTERNAL', 'the SSM provider failed for an unknown reason')
  const isUnderWay = begun > failed.length // or its answer was not understood
  const last = failed.at(-1)?.error
  const isTold = last?.code === 'RATE_LIMITED' || last?.code === 'UNAUTHENTICATED' // before time ran out between two attempts
  const reported = error.code === 'DEADLINE_EXCEEDED' && !isUnderWay && isTold ? last : error
  const isEffectUnknown = isUnderWay || failed.some((attempt) => attempt.isEffectUnknown)
  return changes(action) && isEffectUnknown ? withDetails(reported, { effect: 'unknown' }) : reported
}
