<#
.SYNOPSIS
    Registers a task that lists the users of the directory every night.

.DESCRIPTION
    Run it as an administrator, once. It makes $Folder, which the task's account alone may read,
    and which takes parameters.json and the key beside it. The task's "Last Run Result" is
    graphdaemon's exit code; what it said is in nightly.log.

.PARAMETER Account
    Who runs it: a group managed service account (CONTOSO\graphdaemon$) has a password that nobody
    knows. By default LOCAL SERVICE, which other services of the machine share.

.EXAMPLE
    .\Register-GraphdaemonNightly.ps1 -Account 'CONTOSO\graphdaemon$' -At 02:30
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [string] $Program = "$env:ProgramFiles\graphdaemon\Scripts\graphdaemon.exe",
    [string] $Folder = "$env:ProgramData\graphdaemon-nightly",
    [string] $Account = 'NT AUTHORITY\LOCAL SERVICE',
    [datetime] $At = '02:30'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

New-Item -ItemType Directory -Path $Folder -Force | Out-Null
# *S-1-5-32-544 are the administrators, whatever they are called in the system's language.
icacls.exe $Folder /inheritance:r /grant:r "${Account}:(OI)(CI)M" '*S-1-5-32-544:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) { throw "icacls could not give $Folder to $Account" }

$command = 'list users parameters.json --quiet --output users.csv --proof users.proof.json --within 3600'
$action = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\cmd.exe" -WorkingDirectory $Folder `
    -Argument "/d /s /c `"`"$Program`" $command 2> nightly.log`""
$trigger = New-ScheduledTaskTrigger -Daily -At $At -RandomDelay (New-TimeSpan -Minutes 20)
$isManaged = $Account.EndsWith('$')
$logonType = if ($isManaged) { 'Password' } else { 'ServiceAccount' }
$principal = New-ScheduledTaskPrincipal -UserId $Account -LogonType $logonType -RunLevel Limited
# A night that the machine has slept through is made up for; three attempts in a night.
$settings = New-ScheduledTaskSettingsSet -StartWhenAvailable -MultipleInstances IgnoreNew `
    -ExecutionTimeLimit (New-TimeSpan -Minutes 70) -RestartCount 2 -RestartInterval (New-TimeSpan -Minutes 20)
Register-ScheduledTask -TaskName 'graphdaemon nightly' -Description 'Lists the users of the Entra ID directory.' `
    -Action $action -Trigger $trigger -Principal $principal -Settings $settings -Force
