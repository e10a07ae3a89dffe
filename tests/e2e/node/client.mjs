// SPDX-License-Identifier: Apache-2.0
//
// Lists, watches and executes with the Kubernetes client for Node, as an ordinary program would. One JSON line per
// finding; tests/e2e/test_clients.py reads them.
//
//   node client.mjs KUBECONFIG NAMESPACE POD

import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import * as k8s from '@kubernetes/client-node';

const [kubeconfig, namespace, pod] = process.argv.slice(2);
const config = new k8s.KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(k8s.CoreV1Api);

const say = (finding) => process.stdout.write(JSON.stringify(finding) + '\n');

async function text(stream) {
    const parts = [];
    for await (const part of stream) parts.push(part);
    return Buffer.concat(parts).toString();
}

async function list() {
    const { items } = await core.listNamespacedConfigMap({ namespace });
    say({ list: items.map((item) => item.metadata.name).sort() });
    try {
        await core.readNamespacedConfigMap({ namespace, name: 'missing' });
    } catch (error) {
        say({ missing: error.code, message: JSON.parse(error.body).message });
    }
}

// Shows changes that this program makes itself, in order.
async function watch() {
    let ended;
    const end = new Promise((resolve) => { ended = resolve; });
    const stop = await new k8s.Watch(config).watch(
        `/api/v1/namespaces/${namespace}/configmaps`, { fieldSelector: 'metadata.name=seen' },
        (type, object) => {
            say({ watch: type, n: object.data.n });
            if (type === 'DELETED') ended();
        },
        (error) => ended(error));
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'seen' }, data: { n: '1' } } });
    await core.replaceNamespacedConfigMap({ namespace, name: 'seen', body: { metadata: { name: 'seen' }, data: { n: '2' } } });
    await core.deleteNamespacedConfigMap({ namespace, name: 'seen' });
    const error = await end;
    stop.abort();
    if (error) throw error;
}

async function exec(command, input) {
    const out = new PassThrough(), err = new PassThrough();
    const said = [text(out), text(err)];
    const status = await new Promise((resolve, reject) => {
        new k8s.Exec(config).exec(namespace, pod, 'c', command, out, err, input ? Readable.from(input) : null, false, resolve)
            .then((socket) => socket.on('error', reject), reject);
    });
    return { out: await said[0], err: await said[1], status };
}

await list();
await watch();
const { out, err, status } = await exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
say({ exec: 'code', out, err, code: status.details?.causes?.find((c) => c.reason === 'ExitCode')?.message });
const input = Array.from({ length: 64 }, () => randomBytes(1 << 16));
const sum = createHash('sha256');
input.forEach((block) => sum.update(block));
const answer = await exec(['sha256sum'], input);
say({ exec: 'input', wanted: sum.digest('hex'), got: answer.out.split(' ')[0], status: answer.status.status });
process.exit(0);
