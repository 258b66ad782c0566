// One session in which everything happens once, the same in each era.

import { answer } from './raw/clients.mjs';

const call = (client, name, args = {}, how = {}) => client.request('tools/call', { name, arguments: args }, how);

async function lists(client) {
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
    await client.request(method);
  }
}

async function calls(client) {
  for (const name of ['test_simple_text', 'test_image_content', 'test_audio_content', 'test_embedded_resource',
    'test_multiple_content_types', 'test_error_handling', 'no_such_tool']) await call(client, name);
  await call(client, 'json_schema_2020_12_tool', { name: 'Zoë 🚪 "quoted" \\ \u2028', contactMethod: 'email', email: 'a@b.example' });
  await call(client, 'json_schema_2020_12_tool', { unexpected: 1e21 });
  await call(client, 'test_tool_with_progress', {}, { progressToken: 'p-1' });
  await call(client, 'test_tool_with_progress', {}, { progressToken: 7 });
  await call(client, 'test_tool_with_logging', {}, { logLevel: 'info' });
}

async function questions(client) {
  for (const name of ['test_input_required_result_elicitation', 'test_input_required_result_sampling',
    'test_input_required_result_list_roots', 'test_input_required_result_request_state',
    'test_input_required_result_multi_round']) await call(client, name, {}, { answer });
  await client.request('prompts/get', { name: 'test_input_required_result_prompt' }, { answer });
}

async function reading(client) {
  await client.request('prompts/get', { name: 'test_simple_prompt' });
  await client.request('prompts/get', { name: 'test_prompt_with_arguments', arguments: { arg1: 'ä', arg2: '</script>' } });
  await client.request('prompts/get', { name: 'test_prompt_with_arguments' });
  await client.request('prompts/get', { name: 'no_such_prompt' });
  for (const uri of ['test://static-text', 'test://static-binary', 'test://template/7/data', 'test://no-such-resource']) {
    await client.request('resources/read', { uri });
  }
  const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
  await client.request('completion/complete', { ref, argument: { name: 'arg1', value: 'par' } });
}

async function watching(client) {
  const watch = await client.watch({ uris: ['test://watched-resource'] });
  for (const [tool, what] of [['tool_change', 'tools/list_changed'], ['prompt_change', 'prompts/list_changed'],
    ['resource_change', 'resources/list_changed'], ['resource_update', 'resources/updated']]) {
    await call(client, `test_trigger_${tool}`);
    if (!await watch?.until(({ method }) => method === `notifications/${what}`)) throw new Error(`${what} did not come`);
  }
}

/** Goes through all of it; what was said is in the client's transcript. */
export async function goThrough(client) {
  await client.open();
  await lists(client);
  await calls(client);
  await questions(client);
  await reading(client);
  await watching(client);
  await client.close();
}
