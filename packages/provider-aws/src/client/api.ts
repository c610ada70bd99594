import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { bounded, hasCode, withDetails } from '@finchat/secrets-core/provider'
import { assertDone, mismatchOf, type Origin } from '../model/answers.ts'
import { answeredAt, checkedAnswer } from './answer-body.ts'
import type { Connection, OpenConnection } from './connection.ts'
import { loadCredentials, isSameKey } from './credentials.ts'
import type { RequestContext } from '../errors/aws-errors.ts'
import { type ActionName, answersWithArn, changes, type InputOf, type OutputOf, type Sdk } from '../model/sdk.ts'
import { type FailedAttempt, failedAttempt } from '../errors/store-error.ts'

export interface Api {
  readonly call: <Name extends ActionName>(action: Name, input: InputOf<Name>, context: CallContext) => Promise<OutputOf<Name>>
  /** The error for one secret that an answer names among several. */
  readonly errorOf: (told: object, action: ActionName, path: string) => Promise<SecretsError>
}

/** One call with the outcome of its attempts. */
interface Call<Name extends ActionName> {
  readonly action: Name
  readonly input: InputOf<Name>
  readonly failed: FailedAttempt[]
  /** On the monotonic clock; after it nothing is sent. */
  readonly endsAt: number
  begun: number
  answeredAt: number | undefined
}

/** With less time left, no answer would come before the deadline. At most 5 % of `timeoutMs`. */
const minimumMs = 50

/**
 * Every call ends within `timeoutMs`, retries included; every answer concerns the secret asked for.
 */
export function apiOver(connection: Connection, { timeoutMs, ...origin }: Origin & { readonly timeoutMs: number }): Api {
  return {
    call: async (action, input, { signal }) => {
      const endsAt = performance.now() + timeoutMs - Math.min(minimumMs, timeoutMs / 20)
      const call: Call<typeof action> = { action, input, endsAt, begun: 0, answeredAt: undefined, failed: [] }
      const bounds = { signal, closing: connection.closing, deadlineMs: timeoutMs, owner: 'the AWS provider' }
      try {
        return await bounded((bound) => request(connection, origin, call, bound), bounds)
      } catch (error) {
        throw finalError(error, call)
      }
    },
    errorOf: async (told, action, path) => {
      const { region } = await connection.open()
      return failedAttempt(told, { action, path, region }).error
    },
  }
}

/** Refused credentials are fetched again, once, and used if they differ. */
async function request<Name extends ActionName>(
  connection: Connection,
  origin: Origin,
  call: Call<Name>,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  const open = await connection.open()
  const asked = { action: call.action, path: pathOf(call.input), region: open.region }
  const refused = await loadCredentials(open.client, asked)
  try {
    return await sendChecked(open, origin, asked, call, signal)
  } catch (error) {
    const isRefused = hasCode(error, 'UNAUTHENTICATED')
    const [fresh] = await Promise.allSettled(isRefused ? [loadCredentials(open.client, asked, { forceRefresh: true })] : [])
    if (fresh?.status !== 'fulfilled' || isSameKey(refused, fresh.value)) throw error
    return sendChecked(open, origin, asked, call, signal)
  }
}

/** The SDK accepts any JSON, even none; and the next write goes to the ARN in the answer. */
function sendChecked<Name extends ActionName>(
  open: OpenConnection,
  origin: Origin,
  asked: RequestContext,
  call: Call<Name>,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  return send(open, asked, call, signal).then((answer) => {
    const mismatch = answersWithArn(call.action) ? mismatchOf(answer, asked.path ?? '', origin) : undefined
    if (mismatch !== undefined) throw mismatch
    if (changes(call.action)) assertDone(answer)
    return { ...answer, answeredAt: call.answeredAt }
  })
}

/** Builds no command for a call that is over: a thousand waiting calls would outlast their time. */
async function send<Name extends ActionName>(
  { sdk, client, limit }: OpenConnection,
  asked: RequestContext,
  call: Call<Name>,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  try {
    return await limit(() => {
      if (signal.aborted || performance.now() > call.endsAt)
        throw new SecretsError('DEADLINE_EXCEEDED', 'no connection became free in time')
      return client.send(watchedCommand(sdk, asked, call), { abortSignal: signal })
    })
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
    throw call.failed.at(-1)?.error ?? failedAttempt(error, asked).error
  }
}

function watchedCommand(sdk: Sdk, asked: RequestContext, call: Call<ActionName>): AnyCommand {
  const command = commandOf(sdk, call.action, call.input)
  const watched = { step: 'finalizeRequest', priority: 'low', name: 'finchatAttempts' } as const // within the SDK's retries
  command.middlewareStack.add(
    (next) => async (args) => {
      call.begun += 1
      try {
        return await next(args)
      } catch (error) {
        call.failed.push(failedAttempt(error, asked))
        throw error
      }
    },
    watched,
  )
  const unread = { step: 'deserialize', priority: 'low', name: 'finchatAnswerBody' } as const // before the body is read
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      call.answeredAt = answeredAt(result)
      return checkedAnswer(result)
    },
    unread,
  )
  return command
}

type AnyCommand = InstanceType<Sdk['GetSecretValueCommand']>

function commandOf(sdk: Sdk, action: ActionName, input: InputOf<ActionName>): AnyCommand {
  const Command = sdk[`${action}Command`] as unknown as new (input: InputOf<ActionName>) => AnyCommand // TypeScript does not follow the computed name
  return new Command(input)
}

function pathOf(input: InputOf<ActionName>): string | undefined {
  if ('SecretId' in input) return input.SecretId
  return 'Name' in input ? input.Name : undefined
}

/** Adds whether a write may have happened: one lost answer among the attempts leaves that open. */
function finalError(error: unknown, { action, begun, failed }: Call<ActionName>): SecretsError {
  if (!SecretsError.isInstance(error)) return new SecretsError('INTERNAL', 'the AWS provider failed for an unknown reason')
  const isUnderWay = begun > failed.length // or its answer was not understood
  const reported = error.code === 'DEADLINE_EXCEEDED' && !isUnderWay ? (errorBeforeTimeout(failed.at(-1)?.error) ?? error) : error
  const isEffectUnknown = isUnderWay || failed.some((attempt) => attempt.isEffectUnknown)
  return changes(action) && isEffectUnknown ? withDetails(reported, { effect: 'unknown' }) : reported
}

/**
 * What AWS answered before time ran out between two attempts: throttling or refused credentials.
 */
function errorBeforeTimeout(last: SecretsError | undefined): SecretsError | undefined {
  return last?.code === 'RATE_LIMITED' || last?.code === 'UNAUTHENTICATED' ? last : undefined
}
