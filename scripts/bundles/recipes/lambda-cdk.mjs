import { App, Stack } from 'aws-cdk-lib'
import { Runtime } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'

const app = new App({ outdir: 'out' })
const stack = new Stack(app, 'TokenApi')
new NodejsFunction(stack, 'handler', {
  entry: 'handler.mjs',
  runtime: Runtime.NODEJS_22_X,
  bundling: { format: OutputFormat.ESM, mainFields: ['module', 'main'], minify: true, bundleAwsSDK: true },
})
app.synth()
