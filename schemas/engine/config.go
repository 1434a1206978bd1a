package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// The configuration of a single-box engine: loopback only, bounded memory and caches, few background threads, UTC. Two users without a
// password (nobody else than this machine can connect): `default`, which may do everything, and `cagnotte_reader`, which may read the
// database `cagnotte` and nothing else. The library takes its ports from the command line, the server takes them from here.
var configTemplate = template.Must(template.New("config").Parse(`<clickhouse>
    <timezone>UTC</timezone>
    <path>{{.Dir}}/</path>
    <tmp_path>{{.Dir}}/tmp/</tmp_path>
    <user_files_path>{{.Dir}}/user_files/</user_files_path>
    <format_schema_path>{{.Dir}}/format_schemas/</format_schema_path>
    <users_config>{{.UsersPath}}</users_config>
    <user_directories><users_xml><path>{{.UsersPath}}</path></users_xml></user_directories>
    <listen_host>127.0.0.1</listen_host>
    <tcp_port>{{.TCPPort}}</tcp_port>
    <http_port>{{.HTTPPort}}</http_port>
    <max_server_memory_usage>{{.MaxMemoryBytes}}</max_server_memory_usage>
    <max_server_memory_usage_to_ram_ratio>0.25</max_server_memory_usage_to_ram_ratio>
    <mark_cache_size>134217728</mark_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <max_concurrent_queries>64</max_concurrent_queries>
    <max_connections>256</max_connections>
    <background_pool_size>4</background_pool_size>
    <merge_tree>
        <fsync_after_insert>1</fsync_after_insert>
        <fsync_part_directory>1</fsync_part_directory>
        <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    </merge_tree>
{{- if not .Program.Library}}
    <logger><level>warning</level><console>true</console></logger>
{{- end}}
</clickhouse>
`))

const usersConfig = `<clickhouse>
    <profiles>
        <default></default>
        <cagnotte_reader>
            <readonly>2</readonly>
            <max_execution_time>60</max_execution_time>
            <max_memory_usage>1000000000</max_memory_usage>
            <max_result_rows>1000000</max_result_rows>
            <result_overflow_mode>throw</result_overflow_mode>
        </cagnotte_reader>
    </profiles>
    <quotas>
        <default></default>
        <cagnotte_reader><interval><duration>60</duration><queries>1200</queries><execution_time>120</execution_time></interval></cagnotte_reader>
    </quotas>
    <users>
        <default>
            <password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <access_management>1</access_management>
            <named_collection_control>1</named_collection_control>
        </default>
        <cagnotte_reader>
            <password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>cagnotte_reader</profile>
            <quota>cagnotte_reader</quota>
            <grants><query>GRANT SELECT ON cagnotte.*</query></grants>
        </cagnotte_reader>
    </users>
</clickhouse>
`

// writeConfig writes the engine's configuration under its directory and returns the path of the main file.
func writeConfig(spec hostSpec) (string, error) {
	dir := filepath.Join(spec.Dir, "engine-config")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("write engine configuration: %w", err)
	}
	users := filepath.Join(dir, "users.xml")
	var main bytes.Buffer
	err := configTemplate.Execute(&main, struct {
		hostSpec
		UsersPath string
	}{spec, users})
	if err == nil {
		err = os.WriteFile(users, []byte(usersConfig), 0o640)
	}
	path := filepath.Join(dir, "config.xml")
	if err == nil {
		err = os.WriteFile(path, main.Bytes(), 0o640)
	}
	if err != nil {
		return "", fmt.Errorf("write engine configuration: %w", err)
	}
	return path, nil
}
