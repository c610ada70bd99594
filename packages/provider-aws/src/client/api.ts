import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { bounded } from '@finchat/secrets-core/provider'
import { oddityOf, type Origin } from '../model/answers.ts'
import { checkedAnswer } from './answer-body.ts'
import type { Connection, OpenConnection } from './connection.ts'
import { credentialsOf, isSameKey } from './credentials.ts'
import type { Asked } from '../errors/aws-errors.ts'
import { type ActionName, answersWithArn, changes, type InputOf, type OutputOf, type Sdk } from '../model/sdk.ts'
import { amended, type FailedAttempt, failedAttempt } from '../errors/store-error.ts'

/** The API of AWS Secrets Manager: an answer, or a `SecretsError`. */
export interface Api {
  readonly call: <Name extends ActionName>(action: Name, input: InputOf<Name>, context: CallContext) => Promise<OutputOf<Name>>
  /** Our own error for one that an answer tells of one secret among several. */
  readonly errorOf: (told: object, action: ActionName, path: string) => Promise<SecretsError>
}

/** One call, and what became of its attempts, of which the SDK makes several. */
interface Call<Name extends ActionName> {
  readonly action: Name
  readonly input: InputOf<Name>
  readonly failed: FailedAttempt[]
  /** On the monotonic clock: later than that it is not sent. */
  readonly endsAt: number
  begun: number
}

/** With less left a call is not sent any more: no answer would come in time. At most 5 % of what it had. */
const leastMs = 50

/** Every call ends within `timeoutMs`, retries included, and with its signal; every answer is about what was asked. */
export function apiOver(connection: Connection, { timeoutMs, ...origin }: Origin & { readonly timeoutMs: number }): Api {
  return {
    call: async (action, input, { signal }) => {
      const endsAt = performance.now() + timeoutMs - Math.min(leastMs, timeoutMs / 20)
      const call: Call<typeof action> = { action, input, endsAt, begun: 0, failed: [] }
      const bounds = { signal, closing: connection.closing, deadlineMs: timeoutMs, owner: 'the AWS provider' }
      try {
        return await bounded((bound) => request(connection, origin, call, bound), bounds)
      } catch (error) {
        throw conclusion(error, call)
      }
    },
    errorOf: async (told, action, path) => {
      const { region } = await connection.open()
      return failedAttempt(told, { action, path, region }).error
    },
  }
}

/** A credential that was refused is replaced by a fresh one of its source, once, if the source has another. */
async function request<Name extends ActionName>(
  connection: Connection,
  origin: Origin,
  call: Call<Name>,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  const open = await connection.open()
  const asked = { action: call.action, path: pathOf(call.input), region: open.region }
  const refused = await credentialsOf(open.client, asked)
  try {
    return await sendChecked(open, origin, asked, call, signal)
  } catch (error) {
    const isRefused = SecretsError.isInstance(error) && error.code === 'UNAUTHENTICATED'
    const [fresh] = await Promise.allSettled(isRefused ? [credentialsOf(open.client, asked, { forceRefresh: true })] : [])
    if (fresh?.status !== 'fulfilled' || isSameKey(refused, fresh.value)) throw error
    return sendChecked(open, origin, asked, call, signal)
  }
}

/** The SDK takes any JSON for an answer, and none at all; what is written next goes to the ARN that it names. */
function sendChecked<Name extends ActionName>(
  open: OpenConnection,
  origin: Origin,
  asked: Asked,
  call: Call<Name>,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  return send(open, asked, call, signal).then((answer) => {
    const odd = answersWithArn(call.action) ? oddityOf(answer, asked.path ?? '', origin) : undefined
    if (odd !== undefined) throw odd
    return answer
  })
}

/** Nothing is built for a call that is over when its turn comes: a thousand that wait for a hung endpoint would outlast their time. */
async function send<Name extends ActionName>(
  { sdk, client, turns }: OpenConnection,
  asked: Asked,
  call: Call<Name>,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  try {
    return await turns(() => {
      if (signal.aborted || performance.now() > call.endsAt) throw new SecretsError('DEADLINE_EXCEEDED', 'no turn came in time')
      return client.send(watchedCommand(sdk, asked, call), { abortSignal: signal })
    })
  } catch (error) {
    if (SecretsError.isInstance(error)) throw error
    throw call.failed.at(-1)?.error ?? failedAttempt(error, asked).error
  }
}

function watchedCommand(sdk: Sdk, asked: Asked, call: Call<ActionName>): AnyCommand {
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
  command.middlewareStack.add((next) => async (args) => checkedAnswer(await next(args)), unread)
  return command
}

type AnyCommand = InstanceType<Sdk['GetSecretValueCommand']>

/** The SDK has a class for each action, which takes the action's input. */
function commandOf(sdk: Sdk, action: ActionName, input: InputOf<ActionName>): AnyCommand {
  const Command = sdk[`${action}Command`] as unknown as new (input: InputOf<ActionName>) => AnyCommand // TypeScript does not follow the name
  return new Command(input)
}

/** The secret that a call is about; a batch and a list are about no one secret. */
function pathOf(input: InputOf<ActionName>): string | undefined {
  if ('SecretId' in input) return input.SecretId
  return 'Name' in input ? input.Name : undefined
}

/** What the caller is told: with it goes whether a write may have happened, which one lost answer among the attempts leaves open. */
function conclusion(error: unknown, { action, begun, failed }: Call<ActionName>): SecretsError {
  if (!SecretsError.isInstance(error)) return new SecretsError('INTERNAL', 'the AWS provider failed in a way that is not known here')
  const isUnderWay = begun > failed.length // or was answered, with what is not understood
  const told = error.code === 'DEADLINE_EXCEEDED' && !isUnderWay ? (waitedFor(failed.at(-1)?.error) ?? error) : error
  const isOpen = isUnderWay || failed.some((attempt) => attempt.isOpen)
  return changes(action) && isOpen ? amended(told, { effect: 'unknown' }) : told
}

/** What AWS had said when the time ran out between two attempts: to come back later, or that a fresh credential is needed. */
function waitedFor(last: SecretsError | undefined): SecretsError | undefined {
  return last?.code === 'RATE_LIMITED' || last?.code === 'UNAUTHENTICATED' ? last : undefined
}
